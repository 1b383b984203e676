import type { Case } from "./case.ts";

interface PipelinePlan {
  readonly protocol: Case["protocol"];
  readonly port: number;
  readonly target: number;
}

/**
 * OTLP in, OTLP out: the sender is answered after the target's answer, and nothing limits memory.
 * `wait_for_result`: with a queue, as in the published benchmark of the otel-arrow project
 * (docs/benchmarks.md). `synchronous`: without one.
 */
export function collectorConfig({
  how,
  protocol,
  port,
  target,
}: PipelinePlan & { readonly how: "synchronous" | "wait_for_result" }): string {
  const grpc = protocol === "grpc";
  const exporter = grpc ? "otlp" : "otlphttp";
  const endpoint = grpc ? `127.0.0.1:${target}` : `http://127.0.0.1:${target}`;
  const queue =
    how === "synchronous" ? { enabled: false } : { queue_size: 100, wait_for_result: true, block_on_overflow: true };
  const listen = grpc
    ? { grpc: { endpoint: `127.0.0.1:${port}`, max_recv_msg_size_mib: 64 } }
    : { http: { endpoint: `127.0.0.1:${port}` } };
  const config = {
    receivers: { otlp: { protocols: listen } },
    exporters: {
      [exporter]: {
        endpoint,
        compression: "none",
        tls: { insecure: true },
        sending_queue: queue,
      },
    },
    service: {
      telemetry: { logs: { level: "error" }, metrics: { level: "none" } },
      pipelines: { traces: { receivers: ["otlp"], exporters: [exporter] } },
    },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`; // JSON, which is YAML too
}

/**
 * otel-arrow's dataflow engine, as its comparison with the Collector has it: bytes are passed
 * through, and the sender waits for the result. Its content router takes requests of one pool only.
 */
export function dataflowConfig({ protocol, port, target }: PipelinePlan): string {
  const listen = { listening_addr: `127.0.0.1:${port}`, wait_for_result: true };
  const endpoint = `http://127.0.0.1:${target}`;
  const exporter =
    protocol === "grpc"
      ? { type: "urn:otel:exporter:otlp_grpc", config: { grpc_endpoint: endpoint, compression_method: null } }
      : { type: "urn:otel:exporter:otlp_http", config: { endpoint, http: { compression: null } } };
  const nodes = {
    receiver: {
      type: "urn:otel:receiver:otlp",
      config: { protocols: { [protocol]: listen } },
    },
    exporter,
  };
  const config = {
    version: "otel_dataflow/v1",
    policies: { channel_capacity: { control: { node: 100, pipeline: 100 }, pdata: 100 } },
    engine: { telemetry: { logs: { level: "error" } } },
    groups: { default: { pipelines: { main: { nodes, connections: [{ from: "receiver", to: "exporter" }] } } } },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/**
 * Vector's opentelemetry source and sink; the sink speaks OTLP over HTTP, so its target answers
 * HTTP.
 */
export function vectorConfig(grpc: number, http: number, target: number, dir: string): string {
  return `data_dir: ${dir}
sources:
  otlp:
    type: opentelemetry
    use_otlp_decoding: true
    grpc:
      address: 127.0.0.1:${grpc}
    http:
      address: 127.0.0.1:${http}
sinks:
  out:
    type: opentelemetry
    inputs: [otlp.traces]
    protocol:
      type: http
      uri: http://127.0.0.1:${target}/v1/traces
      method: post
      encoding:
        codec: otlp
`;
}
