// Speaks with the server: requests, and the events that it sends.

export const tab = crypto.randomUUID();

/** An error that the server said in words. */
class Refused extends Error {
  constructor(message, kind) {
    super(message);
    this.kind = kind;
  }
}

async function answered(response) {
  const said = await response.json().catch(() => ({error: `the server said ${response.status}`}));
  if (!response.ok) throw new Refused(said.error ?? "refused", said.kind ?? "");
  return said;
}

/** What is at a place, as JSON. */
export async function get(place) {
  return answered(await fetch(place, {cache: "no-store"}));
}

/** Send an act; gives the plan as it is afterwards. */
export async function post(place, body) {
  return answered(await fetch(place, {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: JSON.stringify({tab, ...body}),
  }));
}

/** A picture, decoded, in memory only. */
export async function picture(place, signal) {
  const response = await fetch(place, {cache: "no-store", signal});
  if (!response.ok) throw new Refused(`no picture: ${response.status}`, "");
  return createImageBitmap(await response.blob());
}

/** Listen to the server; `heard` maps names of events to functions of their data. */
export function listen(heard, take = false) {
  const source = new EventSource(`events?tab=${tab}${take ? "&take=1" : ""}`);
  for (const [name, hear] of Object.entries(heard)) {
    source.addEventListener(name, (event) => hear(JSON.parse(event.data)));
  }
  return source;
}
