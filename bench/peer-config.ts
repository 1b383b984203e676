import { join } from "node:path";
import type { IdentityFiles } from "./identity.ts";

/**
 * OTLP in, OTLP out, as in the published benchmark of the otel-arrow project (docs/benchmarks.md):
 * the sender is answered after the target's answer, and nothing limits memory.
 */
export function collectorConfig(port: number, target: number): string {
  return `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:${port}
        max_recv_msg_size_mib: 64
exporters:
  otlp:
    endpoint: 127.0.0.1:${target}
    compression: none
    tls:
      insecure: true
    sending_queue:
      queue_size: 100
      wait_for_result: true
      block_on_overflow: true
service:
  telemetry:
    logs:
      level: error
    metrics:
      level: none
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp]
`;
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

/** Content-blind forwarding of gRPC by one worker, with connections to the target kept open. */
export function nginxConfig(port: number, target: number, dir: string, identity?: IdentityFiles): string {
  const tls = identity === undefined ? "" : `ssl_certificate ${identity.cert}; ssl_certificate_key ${identity.key};`;
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${join(dir, "temp", name)};`)
    .join("\n");
  return `daemon off;
worker_processes 1;
pid ${join(dir, "nginx.pid")};
events { worker_connections 1024; }
http {
  access_log off;
${temp}
  client_max_body_size 64m;
  client_body_buffer_size 1m;
  http2_max_concurrent_streams 1024;
  keepalive_requests 1000000000;
  upstream target {
    server 127.0.0.1:${target};
    keepalive 64;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} ${identity === undefined ? "" : "ssl "}http2;
    ${tls}
    location / { grpc_pass grpc://target; }
  }
}
`;
}
