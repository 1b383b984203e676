import type { Random } from "../core/random.ts";
import { between, oneOf } from "./chance.ts";
import { text } from "./model.ts";
import type { Resource } from "./model.ts";

const REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "ap-south-1"];
const LANGUAGES = ["go", "java", "nodejs", "python"];

/** A resource of eight attributes, as SDKs in a cloud send it. */
export function resourceOf(service: string, random: Random): Resource {
  const host = between(random, 1, 40);
  return {
    attributes: [
      text("service.name", service),
      text("service.namespace", "shop"),
      text("service.version", `1.${between(random, 0, 9)}.${between(random, 0, 9)}`),
      text("service.instance.id", `${service}-${between(random, 10_000, 99_999)}`),
      text("deployment.environment.name", "production"),
      text("host.name", `ip-10-0-${host}-${between(random, 1, 254)}`),
      text("cloud.region", oneOf(random, REGIONS)),
      text("telemetry.sdk.language", oneOf(random, LANGUAGES)),
    ],
  };
}
