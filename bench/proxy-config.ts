import { join } from "node:path";
import type { Case } from "./case.ts";
import type { IdentityFiles } from "./identity.ts";

/** A proxy that forwards everything to one target, in the protocol in which it came. */
interface ProxyPlan {
  readonly protocol: Case["protocol"];
  readonly port: number;
  readonly target: number;
}

/**
 * HAProxy with one thread and nothing tuned, so that its buffers are the 16 KiB that they are by
 * default. `tcp`: bytes from socket to socket. `http`: requests, in HTTP/2 with prior knowledge for
 * gRPC, on connections to the target that all may use.
 */
export function haproxyConfig({ mode, protocol, port, target }: ProxyPlan & { readonly mode: "tcp" | "http" }): string {
  const proto = mode === "http" && protocol === "grpc" ? " proto h2" : "";
  return `global
  nbthread 1
  maxconn 1024
defaults
  mode ${mode}
  timeout connect 5s
  timeout client 1h
  timeout server 1h
${mode === "http" ? "  http-reuse always\n" : ""}listen otlp
  bind 127.0.0.1:${port}${proto}
  server sink 127.0.0.1:${target}${proto}
`;
}

/** nginx with one worker and connections to the target that are kept open. */
export function nginxConfig({
  protocol,
  port,
  target,
  dir,
  identity,
}: ProxyPlan & { readonly dir: string; readonly identity: IdentityFiles | undefined }): string {
  const tls = identity === undefined ? "" : `ssl_certificate ${identity.cert}; ssl_certificate_key ${identity.key};`;
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${join(dir, "temp", name)};`)
    .join("\n");
  // HTTP/1.1 and an empty Connection are what keeps connections to the target open.
  const pass =
    protocol === "grpc"
      ? "grpc_pass grpc://target;"
      : 'proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection "";';
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
    listen 127.0.0.1:${port} ${identity === undefined ? "" : "ssl "}${protocol === "grpc" ? "http2" : ""};
    ${tls}
    location / { ${pass} }
  }
}
`;
}

/**
 * Envoy, from its references of the API (v3): one listener, one route, one cluster, in the same
 * protocol on both sides. Requests have no time limit, as nothing else here has one.
 */
export function envoyConfig({ protocol, port, target }: ProxyPlan): string {
  const type = "type.googleapis.com/envoy.extensions";
  const at = (to: number): object => ({ socket_address: { address: "127.0.0.1", port_value: to } });
  const route = { match: { prefix: "/" }, route: { cluster: "sink", timeout: "0s" } };
  const manager = {
    "@type": `${type}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "otlp",
    codec_type: protocol === "grpc" ? "HTTP2" : "HTTP1",
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [route] }] },
    http_filters: [
      { name: "envoy.filters.http.router", typed_config: { "@type": `${type}.filters.http.router.v3.Router` } },
    ],
  };
  const filter = { name: "envoy.filters.network.http_connection_manager", typed_config: manager };
  const options = {
    "@type": `${type}.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: protocol === "grpc" ? { http2_protocol_options: {} } : { http_protocol_options: {} },
  };
  const cluster = {
    name: "sink",
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: {
      cluster_name: "sink",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: at(target) } }] }],
    },
    typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options },
  };
  const listener = { name: "otlp", address: at(port), filter_chains: [{ filters: [filter] }] };
  const config = { static_resources: { listeners: [listener], clusters: [cluster] } };
  return `${JSON.stringify(config, undefined, 2)}\n`; // JSON, which is YAML too
}
