import type { Config } from "../config/schema/config.ts";
import { regionOf } from "../plan/region-settings.ts";
import type { Log } from "../telemetry/log.ts";

/**
 * Says, of the first config and once each time that it becomes so, that the config has settings for
 * regions and none for that of this node.
 */
export function regionNotice(log: Pick<Log, "warn">, first: Config): (config: Config) => void {
  let told: string | undefined;
  const tell = (config: Config): void => {
    const { region } = config.node;
    const isMissing = Object.keys(config.regions).length > 0 && regionOf(config, region) === undefined;
    if (isMissing && told !== region) {
      log.warn("the config has no settings for this node's region: the defaults hold", { region, key: "regions" });
    }
    told = isMissing ? region : undefined;
  };
  tell(first);
  return tell;
}
