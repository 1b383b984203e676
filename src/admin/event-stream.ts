import type { ServerResponse } from "node:http";
import type { Cancel, Clock } from "../core/clock.ts";
import type { Events, LogEvent } from "../telemetry/event-ring.ts";

/** Who reads more slowly than lines come is cut off, and may go on where it was. */
const MAX_UNREAD_BYTES = 65_536;
/** So that proxies and clients see that the connection lives. */
const HEARTBEAT_MS = 15_000;

/** Sends events from after `id` on, as they come, until the client leaves: server-sent events (HTML standard, 9.2). */
export function streamEvents(events: Events, id: number, response: ServerResponse, clock: Clock): void {
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
