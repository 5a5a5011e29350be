"""Number plates of the world as data: shapes, colours, bands, patterns of the text."""

from __future__ import annotations

from dataclasses import dataclass

WHITE, BLACK, YELLOW = (245, 245, 245), (18, 18, 20), (250, 200, 20)
BLUE, RED, GREEN, GREY = (20, 60, 170), (190, 25, 30), (10, 110, 60), (190, 190, 190)
CREAM, ORANGE, SKY, NAVY = (245, 238, 205), (240, 130, 20), (170, 210, 240), (15, 30, 80)

LATIN = "ABCDEFGHJKLMNPRSTUVWXYZ"
CYRILLIC_LIKE = "ABEKMHOPCTYX"
CHINESE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领警学港澳挂"
THAI = "กขคฆงจฉชฌญฎฐฒณตถทธนบปผพฟภมยรลวศษสฬอฮ"
ARABIC = "ابجدرسصطعفقلمنهوي"
ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"
PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
JAPANESE = "品川横浜名古屋大阪神戸福岡千葉札幌京都"
KANA = "あいうえかきくけこさすせそたちつてとなにぬねのはひふほまみむめもやゆよらりるれろわ"
PROVINCES = ["กรุงเทพมหานคร", "เชียงใหม่", "ชลบุรี", "นนทบุรี", "ภูเก็ต"]
STATES = (
    "California Texas Florida NEW+YORK OHIO Georgia Illinois KANSAS Nevada Oregon Maine "
    "VIRGINIA Utah Alaska Hawaii ARIZONA Michigan Iowa ONTARIO QUEBEC ALBERTA QUEENSLAND VICTORIA"
).split()
SLOGANS = (
    "dmv.ca.gov SUNSHINE+STATE Empire+State Garden+State Famous+Potatoes EXCELSIOR "
    "Peach+State Yours+to+Discover Je+me+souviens FIRST+IN+FLIGHT Land+of+Lincoln PURE"
).split()

EUROPE = ("din", "roadc", "condensed", "sansbold")
PLAIN = ("roadc", "roadd", "condensedbold", "iso", "din")


@dataclass(frozen=True)
class Format:
    """One kind of plate. `lines` hold patterns: L letter, D digit, other classes in synthesis."""

    weight: float
    size: tuple[int, int]
    lines: tuple[str, ...]
    colours: tuple[tuple[tuple[int, int, int], tuple[int, int, int]], ...]  # ground, text
    fonts: tuple[str, ...] = PLAIN
    band: str = ""  # left, right, both, top, bottom
    band_colour: tuple[int, int, int] = BLUE
    top: str = ""  # small text above
    bottom: str = ""  # small text below
    heights: tuple[float, ...] = ()  # share of each line, equal when empty
    graphic: bool = False


BW, WB, BY = (WHITE, BLACK), (BLACK, WHITE), (YELLOW, BLACK)
FORMATS = [
    # Europe
    Format(
        9, (520, 112), ("LL DDD LL", "L DDD LL", "DDD LL DD", "LLL DDDD"), (BW,), EUROPE, "left"
    ),
    Format(
        4, (520, 112), ("LL-DDD-LL", "LLL DDD"), (BW, (WHITE, RED), (WHITE, GREEN)), EUROPE, "both"
    ),
    Format(3, (520, 112), ("LLDD LLL", "LLL DDDL"), (BW, BY), EUROPE),
    Format(3, (520, 112), ("LL-DD-LL", "DD-LLL-D"), (BY,), EUROPE, "left"),
    Format(2, (280, 200), ("LLDD|LLL", "LL|DDD LL"), (BW, BY), EUROPE, "left"),
    Format(2, (520, 112), ("K DDD KK DD", "K DDD KK DDD"), (BW,), EUROPE, "rightbox"),
    Format(1, (240, 130), ("LLL|DDD", "LL D|DDDD"), (BW, BY), EUROPE, "left"),
    Format(1, (520, 112), ("DD LLL DDD", "DD LL DDDD"), (BW,), PLAIN, "left"),
    Format(1, (520, 112), ("DD-DDD-DD", "DDD-DD-DDD"), (BY,), PLAIN, "left"),
    # light on dark
    Format(8, (520, 112), ("LLL DDDD", "L DDDD LL", "LL DDD L"), (WB,), PLAIN),
    Format(6, (300, 160), ("LLL|DDDD", "LL D|DDDD"), (WB,), PLAIN),
    Format(
        3, (430, 135), ("L DDDD LLL", "LL DDDD LL"), (WB, BW, (RED, WHITE)), PLAIN, bottom="DD DD"
    ),
    Format(2, (520, 112), ("LLDD LLL", "LLL DDD"), ((BLACK, GREY), (NAVY, WHITE)), EUROPE),
    Format(1, (300, 160), ("LL DD|LLDDDD",), ((GREEN, WHITE), (RED, WHITE)), PLAIN),
    Format(
        1,
        (372, 134),
        ("LLL DDD", "DDD LLL"),
        ((BLACK, YELLOW), (NAVY, YELLOW)),
        PLAIN,
        graphic=True,
    ),
    # the Americas, Australia
    Format(
        8,
        (305, 152),
        ("DLLLDDD", "LLL DDDD", "LLL-DDD", "LLLLLL"),
        ((WHITE, NAVY), (WHITE, RED), (SKY, NAVY), (CREAM, GREEN), (WHITE, BLACK)),
        ("roadc", "condensed", "roadd"),
        top="state",
        bottom="slogan",
        graphic=True,
    ),
    Format(
        3,
        (305, 152),
        ("LLL DDDD", "DDD LLL"),
        ((YELLOW, NAVY), (ORANGE, WHITE), (NAVY, YELLOW), (GREEN, WHITE), (BLACK, YELLOW)),
        ("roadc", "condensed"),
        top="state",
    ),
    Format(3, (400, 130), ("LLL DLDD", "LL DDD LL"), (BW,), EUROPE, "top"),
    Format(2, (400, 130), ("LLL-DDDD",), ((GREY, BLACK), (RED, WHITE)), PLAIN, top="word"),
    Format(2, (200, 170), ("LLL|DLDD", "LLL|DDDD", "LL|DDDDD"), (BW, (GREY, BLACK)), PLAIN, "top"),
    Format(
        2,
        (372, 134),
        ("LLL DDD", "DDD LLL", "LLDDLL"),
        (BW, BY, (WHITE, NAVY)),
        PLAIN,
        bottom="state",
    ),
    Format(1, (180, 110), ("DDLDDDD", "DLLDD"), (BW, (WHITE, NAVY)), PLAIN, top="state"),
    # India, Africa, South-East Asia
    Format(5, (500, 120), ("LLDDLLDDDD", "LL DD LL DDDD"), (BW, BY, (GREEN, WHITE)), PLAIN, "ind"),
    Format(4, (280, 200), ("LLDDLL|DDDD", "LLDD|LL DDDD"), (BW, BY), PLAIN),
    Format(3, (200, 100), ("LL DDL|DDDD", "DD-LD|DDDDD"), (BW, BY, WB), PLAIN),
    Format(3, (190, 140), ("DD-LD|DDD.DD", "DDL|DDDDD"), (BW, (BLUE, WHITE), BY), PLAIN),
    Format(
        2, (520, 110), ("DDL-DDD.DD", "LLL DDDL", "LL DD LL LL"), (BW, BY, (YELLOW, RED)), PLAIN
    ),
    Format(2, (440, 120), ("LLL DDD LL", "LL DDD-DD"), (BW, (YELLOW, BLUE)), PLAIN, bottom="word"),
    Format(
        2,
        (340, 150),
        ("TT DDDD", "DTT DDDD"),
        (BW, (WHITE, NAVY), BY),
        ("thai",),
        bottom="province",
    ),
    Format(2, (220, 172), ("DTT|PP|DDDD",), (BW,), ("thai",), heights=(0.36, 0.2, 0.44)),
    # China, Japan
    Format(5, (440, 140), ("CL DDDDD", "CL LDDDD", "CL DDLDD"), ((BLUE, WHITE),), ("chinese",)),
    Format(2, (480, 140), ("CL DDDDDD", "CL LDDDDD"), (((120, 200, 130), BLACK),), ("chinese",)),
    Format(
        2,
        (440, 220),
        ("CL|DDDDD", "CL|LDDDD"),
        (BY, (BLUE, WHITE)),
        ("chinese",),
        heights=(0.36, 0.64),
    ),
    Format(1, (440, 140), ("CL DDDDC", "L CDDDDD"), (BW, WB), ("chinese",)),
    Format(
        4,
        (330, 165),
        ("JJ DDD|N DD-DD",),
        ((WHITE, GREEN), BY, (GREEN, WHITE)),
        ("chinese",),
        heights=(0.32, 0.68),
    ),
    Format(
        1, (230, 125), ("JJ D|N DD-DD",), ((WHITE, GREEN), BY), ("chinese",), heights=(0.35, 0.65)
    ),
    # Arabic script
    Format(4, (200, 190), ("A A A|aaaa", "A A|aaa"), (BW,), ("arabic",), "egypt"),
    Format(
        2,
        (350, 170),
        ("aaaa A A A", "aaa A A"),
        (BW,),
        ("arabic",),
        "egypt",
    ),
    Format(2, (520, 112), ("aa A aaa aa", "DDDDD A DD"), (BW, BY), ("arabic",), "left"),
    Format(2, (320, 160), ("aaaa A A A|DDDD LLL",), (BW,), ("arabic",), "right", (180, 200, 220)),
    Format(2, (520, 112), ("L DDDDD", "DD DDDDD", "DDDD"), (BW, (WHITE, RED)), PLAIN, top="arabic"),
    Format(1, (320, 160), ("aaaaa|DDDDD", "DDDDD|aaaaa"), (BW, BY, (RED, WHITE)), ("arabic",)),
    # temporary, diplomatic, trade, hand-made
    Format(
        2,
        (520, 112),
        ("DDD DDD", "LL DDDD", "DDDD"),
        ((GREEN, WHITE), (RED, WHITE), (BLUE, WHITE)),
        PLAIN,
    ),
    Format(
        1, (300, 200), ("DDDD|LL DD", "LLL|DDD"), ((WHITE, RED), (WHITE, BLUE), BW), ("sans", "iso")
    ),
]
