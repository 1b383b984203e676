/**
 * What a node carries, as everybody tells it: the API, reports to controllers, topology. Shares are
 * of what the node may use: 0.5 is half of it.
 */
export interface LoadReport {
  /** Received. */
  readonly items_per_second: number;
  /** Received, as sent. */
  readonly bytes_per_second: number;
  /** Waiting in the queues of all pools. */
  readonly queue_items: number;
  /** Of the processors that the node may use. */
  readonly cpu: number;
  /** Of the memory that it may use. */
  readonly memory: number;
  /** How late its main loop, or the latest of its workers, comes to what it is to do. */
  readonly event_loop_ms: number;
  /** The highest of the shares of processor, memory and queue; 1: nothing more fits. */
  readonly utilization: number;
  /** Of requests, from their first byte to the reply; 0 while there is none to tell of. */
  readonly latency_ms: number;
  /** Share of the items that nobody has: refused for good, shed or lost. */
  readonly error_rate: number;
  /** Share of the items that sampling has left. */
  readonly sampling_rate: number;
}

/** The load of one moment. */
export interface LoadSample extends LoadReport {
  /** Clock.wallMs() */
  readonly atMs: number;
}

/**
 * What may be too much of a node, as of the newest sample, which tells only the worst of some.
 * Shares are of what there is: 1 leaves nothing.
 */
export interface LoadSignals {
  /** Of the processors that its processes can use. */
  readonly cpu: number;
  readonly memory: number;
  /** How full the fullest queue is. */
  readonly queue: number;
  readonly eventLoopMs: number;
  /** Share of the batches whose target failed, of those that were sent since the sample before. */
  readonly exportErrors: number;
}

/** Since a node's start: items that have come to an end, and those of them that nobody has. */
export interface LoadCounters {
  readonly attemptedItems: number;
  readonly failedItems: number;
  /** Requests that were answered, and those of them with an error. */
  readonly requests: number;
  readonly refusedRequests: number;
}

/** What a node can carry; `unknown` while it has carried too little to tell. */
export interface LoadCapacity {
  readonly items_per_second: number;
  readonly source: "configured" | "learned" | "unknown";
}

export const NO_LOAD: LoadReport = {
  items_per_second: 0,
  bytes_per_second: 0,
  queue_items: 0,
  cpu: 0,
  memory: 0,
  event_loop_ms: 0,
  utilization: 0,
  latency_ms: 0,
  error_rate: 0,
  sampling_rate: 1,
};

/** Fifteen digits say no more than these. */
export function roundedLoad(load: LoadReport): LoadReport {
  return {
    items_per_second: rounded(load.items_per_second, 1),
    bytes_per_second: Math.round(load.bytes_per_second),
    queue_items: Math.round(load.queue_items),
    cpu: rounded(load.cpu, 4),
    memory: rounded(load.memory, 4),
    event_loop_ms: rounded(load.event_loop_ms, 1),
    utilization: rounded(load.utilization, 4),
    latency_ms: rounded(load.latency_ms, 2),
    error_rate: rounded(load.error_rate, 6),
    sampling_rate: rounded(load.sampling_rate, 6),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
