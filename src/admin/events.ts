import type { ServerResponse } from "node:http";
import type { Cancel, Clock } from "../core/clock.ts";
import type { Events, LogEvent } from "../telemetry/event-ring.ts";
import type { AdminContext } from "./context.ts";
import { problemReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute } from "./route.ts";

/** Streams at the same time: each costs a connection. */
const MAX_STREAMS = 16;

/** What the log said last, and as it goes on. */
export function eventsRoute({ events, env }: AdminContext): AdminRoute {
  let streams = 0;
  const stream = (id: number): AdminReply => {
    if (streams >= MAX_STREAMS)
      return problemReply(429, `${MAX_STREAMS} streams of events are open`, { headers: { "retry-after": "10" } });
    streams++;
    return {
      status: 200,
      body: "",
      stream: (response) => {
        response.once("close", () => streams--);
        streamEvents(events, id, response, env.clock);
      },
    };
  };
  return {
    method: "GET",
    path: "/api/v1/events",
    role: "viewer",
    summary: "The last lines of the log; with Accept: text/event-stream also those that come.",
    statuses: [400, 429],
    query: { after: "Only events after the one with this id." },
    handle: (request) => {
      const after = request.query.get("after") ?? request.header("last-event-id") ?? "0";
      if (!/^\d{1,15}$/u.test(after)) return problemReply(400, "after is the id of an event: a whole number");
      if (wantsStream(request)) return stream(Number(after));
      const found = events.after(Number(after));
      const last = found.at(-1)?.id ?? Number(after);
      return { status: 200, body: { last, events: found.map(({ id, json }) => ({ id, ...parsed(json) })) } };
    },
  };
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
function streamEvents(events: Events, id: number, response: ServerResponse, clock: Clock): void {
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
  const tell = ({ id: last, json }: LogEvent): void => write(`id: ${last}\ndata: ${json}\n\n`);
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
