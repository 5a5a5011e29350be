"""How the report's page looks, on a screen and on paper."""

from redact.core.kinds import KINDS

STYLE = """
:root{--ink:#1d2430;--soft:#5b6675;--line:#e1e5ea;--ground:#f6f7f9;--hidden:#2f6f5e;--unsure:#c9821b;
--shown:#b3261e;--bad:#b3261e;--good:#2f6f5e}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.55 system-ui,"Segoe UI","Helvetica Neue",Arial,sans-serif}
main{max-width:1040px;margin:0 auto;padding:32px 20px 64px}
header{margin-bottom:20px}
.kind{margin:0;color:var(--soft);letter-spacing:.08em;text-transform:uppercase;font-size:12px}
h1{margin:2px 0 10px;font-size:26px;line-height:1.25;overflow-wrap:anywhere}
h2{margin:0 0 8px;font-size:17px}
dl+h2{margin-top:20px}
.badge{display:inline-block;margin:0;padding:3px 12px;border-radius:99px;color:#fff;font-weight:600}
p.badge.bad{color:#fff;margin-bottom:10px}
.badge.good{background:var(--good)}
.badge.bad{background:var(--bad)}.badge.unknown{background:var(--soft)}
.lead{color:var(--soft);max-width:70ch}
section{background:#fff;border:1px solid var(--line);border-radius:10px;
padding:18px 20px;margin:0 0 16px}
p{margin:0 0 10px}
p:last-child{margin-bottom:0}
p.bad{color:var(--bad);font-weight:600}
.tiles{display:flex;flex-wrap:wrap;gap:10px 36px;list-style:none;margin:0 0 12px;padding:0}
.tiles b{display:block;font-size:28px;line-height:1.1;font-variant-numeric:tabular-nums}
.tiles span{color:var(--soft);font-size:13px}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--soft);font-weight:500;font-size:13px}
th,td{padding:5px 10px 5px 0;border-bottom:1px solid var(--line)}
span.uncertain{color:var(--unsure);font-weight:600}span.shown{color:var(--shown);font-weight:600}
svg{display:block;width:100%;height:auto}
.name,.tick{font-size:12px;fill:var(--soft)}
.tick{text-anchor:middle}
rect.hidden,rect.covered{fill:var(--hidden)}rect.uncertain{fill:var(--unsure)}rect.shown{fill:var(--shown)}
rect.soft{opacity:.38}
line.cut{stroke:#c3cad3;stroke-dasharray:3 3}
.key{color:var(--soft);font-size:13px}
.key i{display:inline-block;width:18px;height:10px;margin:0 6px 0 14px;border-radius:2px}
.key i:first-child{margin-left:0}
i.hidden{background:var(--hidden)}i.followed{background:var(--hidden);opacity:.38}
i.uncertain{background:var(--unsure)}i.shown{background:var(--shown)}
.key i.cutkey{width:0;height:12px;
border-left:2px dashed #c3cad3;border-radius:0;vertical-align:-2px}
.frames{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:16px}
figure{margin:0}
.shot{position:relative;line-height:0}
.shot img{width:100%;height:auto;border-radius:6px}
.shot svg{position:absolute;inset:0;height:100%}
.shot rect{fill:none;stroke-width:2px;vector-effect:non-scaling-stroke}
.shot rect.hidden,.shot rect.covered{stroke:#fff;fill:none}
.shot rect.uncertain{stroke:#ffb43d;fill:none;stroke-dasharray:5 4}
.shot rect.shown{stroke:#ff5a4f;fill:none}
.shot rect.leak{stroke:#ff5a4f;fill:none;stroke-width:3;stroke-dasharray:2 3}
.mark{position:absolute;padding:1px 5px;border-radius:3px;background:#1d2430cc;color:#fff;
font-size:12px;line-height:1.3;pointer-events:none;white-space:nowrap}
.mark.above{transform:translateY(-100%)}.mark.end{transform:translateX(-100%)}
.mark.above.end{transform:translate(-100%,-100%)}
.mark.uncertain{background:#c9821b}.mark.shown,.mark.leak{background:#b3261e}
.frames.small{grid-template-columns:repeat(auto-fill,minmax(150px,1fr))}
code{font-size:13px}
figcaption{margin-top:6px;color:var(--soft);font-size:13px}
figcaption b{color:var(--ink)}
dl{display:grid;grid-template-columns:minmax(140px,max-content) 1fr;
gap:3px 20px;margin:0 0 4px;font-size:13.5px}
dt{color:var(--soft);overflow-wrap:anywhere}
dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.dot{display:inline-block;width:9px;height:9px;margin-right:6px;border-radius:50%;background:var(--of)}
.name tspan{fill:var(--of)}
.sift label{margin-right:18px;white-space:nowrap}
.sift input{margin:0 6px 0 0;vertical-align:-1px}
@media print{body{background:#fff}main{padding:0}section{break-inside:avoid;border-color:#ccc}}
"""
STYLE += "".join(
    f".{kind}{{--of:{facts.colour}}}"
    f"body:has(#see-{kind}:not(:checked)) .{kind}:not(label){{display:none}}\n"
    for kind, facts in KINDS.items()
)
