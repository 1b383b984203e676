import type { ServerResponse } from "node:http";
import type { Cancel, Clock } from "../core/clock.ts";
import { EVENT_KINDS, type EventKind, eventKind } from "../telemetry/event-kind.ts";
import type { Events, LogEvent } from "../telemetry/event-ring.ts";
import type { AdminContext } from "./context.ts";
import { problemReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, READ } from "./route.ts";

/** Streams at the same time: each costs a connection. */
const MAX_STREAMS = 16;

/** What the log said last, and as it goes on. */
export function eventsRoute({ events, env }: AdminContext): AdminRoute {
  let streams = 0;
  const stream = (id: number, wanted: WantedKinds): AdminReply => {
    if (streams >= MAX_STREAMS)
      return problemReply(429, `${MAX_STREAMS} streams of events are open`, { headers: { "retry-after": "10" } });
    streams++;
    return {
      status: 200,
      body: "",
      stream: (response) => {
        response.once("close", () => streams--);
        streamEvents(events, { id, wanted }, response, env.clock);
      },
    };
  };
  return {
    ...READ,
    path: "/api/v1/events",
    summary: "The last lines of the log; with Accept: text/event-stream also those that come.",
    statuses: [400, 429],
    query: {
      after: "Only events after the one with this id.",
      kind: `Only events of these kinds, with commas between: ${EVENT_KINDS.join(", ")}.`,
    },
    handle: (request) => {
      const after = request.query.get("after") ?? request.header("last-event-id") ?? "0";
      if (!/^\d{1,15}$/u.test(after)) return problemReply(400, "after is the id of an event: a whole number");
      const wanted = wantedKinds(request.query);
      if (wanted === "unknown") return problemReply(400, `kind is one of ${EVENT_KINDS.join(", ")}, or some of them`);
      if (wantsStream(request)) return stream(Number(after), wanted);
      const all = events.after(Number(after));
      const last = all.at(-1)?.id ?? Number(after);
      const found = all.filter((event) => isWanted(event, wanted));
      return { status: 200, body: { last, events: found.map(({ id, json }) => ({ id, ...parsed(json) })) } };
    },
  };
}

/** Undefined: all, also those that have no kind. */
type WantedKinds = readonly EventKind[] | undefined;

function wantedKinds(query: URLSearchParams): WantedKinds | "unknown" {
  const names = query.getAll("kind").flatMap((list) => list.split(","));
  if (names.length === 0) return undefined;
  const kinds = names.flatMap((name) => eventKind(name) ?? []);
  return kinds.length === names.length ? kinds : "unknown";
}

function isWanted({ kind }: LogEvent, wanted: WantedKinds): boolean {
  return wanted === undefined || (kind !== undefined && wanted.includes(kind));
}

function wantsStream({ header }: AdminRequest): boolean {
  return header("accept")?.includes("text/event-stream") === true;
}

function parsed(json: string): object {
  const value: unknown = JSON.parse(json);
  return typeof value === "object" && value !== null ? value : {};
}

/** Who reads more slowly than lines come is cut off, and may go on where it was. */
const MAX_UNREAD_BYTES = 65_536;
/** So that proxies and clients see that the connection lives. */
const HEARTBEAT_MS = 15_000;

/**
 * Sends events from after `id` on, as they come, until the client leaves: server-sent events (HTML
 * standard, 9.2).
 */
function streamEvents(
  events: Events,
  { id, wanted }: { readonly id: number; readonly wanted: WantedKinds },
  response: ServerResponse,
  clock: Clock,
): void {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.write("retry: 1000\n\n");
  const write = (text: string): void => {
    response.write(text);
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
  };
  const tell = (event: LogEvent): void => {
    if (isWanted(event, wanted)) write(`id: ${event.id}\ndata: ${event.json}\n\n`);
  };
  for (const event of events.after(id)) tell(event);
  const unlisten = events.listen(tell);
  let cancel: Cancel = beat();
  function beat(): Cancel {
    return clock.after(HEARTBEAT_MS, () => {
      write(": still there\n\n");
      cancel = beat();
    });
  }
  response.once("close", () => {
    unlisten();
    cancel();
  });
}
