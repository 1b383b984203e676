import type { Signal } from "../signal.ts";
import { LOGS_REQUEST } from "./logs.ts";
import type { Message } from "./message.ts";
import { METRICS_REQUEST } from "./metrics.ts";
import { TRACES_REQUEST } from "./traces.ts";

/** The Export request of each signal. */
export const REQUESTS: Readonly<Record<Signal, Message>> = {
  traces: TRACES_REQUEST,
  metrics: METRICS_REQUEST,
  logs: LOGS_REQUEST,
};
