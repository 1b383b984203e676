import { counter, gauge, type MetricSpec } from "./metric-spec.ts";

/** Of the memory that the bodies of requests are in. */
export const ARENA_METRICS = {
  arenaBytes: {
    ...gauge("signalbox_arena_bytes", "bytes", "sum"),
    help: "Memory that is there for the bodies of requests, used or not.",
    labels: [],
  },
  arenaUsedBytes: {
    ...gauge("signalbox_arena_used_bytes", "bytes", "sum"),
    help: "Of it, the chunks in which there is a body that somebody still needs: a request, a queue or a socket.",
    labels: [],
  },
  arenaStayingBytes: {
    name: "signalbox_arena_staying_bytes",
    kind: "gauge",
    unit: "bytes",
    merge: "sum",
    help: "Of them, the chunks that hold something that was acknowledged before it is delivered; at most a quarter of max_in_flight_bytes, beyond that it is copied.",
    labels: [],
  },
  arenaMovedOut: {
    name: "signalbox_arena_moved_out_bytes_total",
    kind: "counter",
    unit: "bytes",
    merge: "sum",
    help: "Bytes that were copied out of the arena, since they waited for more than a second and held four times as much or more.",
    labels: [],
    always: [[]],
  },
  arenaNoRoom: {
    ...counter("signalbox_arena_no_room_total", "requests", "sum"),
    help: "Requests refused because their body found no place: full, or fragmented when enough was free, but not in one piece.",
    labels: ["cause"],
    always: [["full"], ["fragmented"]],
  },
  arenaMisused: {
    ...gauge("signalbox_arena_misused", "places", "sum"),
    help: "Places of bodies that were given back twice, or taken after their end: always 0, else it is a fault of Signalbox.",
    labels: [],
  },
} as const satisfies Record<string, MetricSpec>;
