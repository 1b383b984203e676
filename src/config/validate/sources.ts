import { atKey, caution, type Finding } from "../finding.ts";
import type { Outline } from "../outline.ts";
import { SAMPLING_ADDRESSES } from "../schema/node.ts";
import { textOf, valueAt, valuesOf } from "../values.ts";
import { ceilingsOf, strategiesOf } from "./sampling.ts";

/** From here on sources are told to send all. */
const HALF = 0.5;

/** Whether sources that ask what to send are told, and what it comes to with what routers do. */
export function checkSources({ root }: Outline): Finding[] {
  const listener = Object.keys(SAMPLING_ADDRESSES).find((name) => valuesOf(valueAt(root, "node", "listen", name)));
  const type = textOf(valueAt(root, "node", "coordination", "type"));
  // What stands beside `node` is not what runs then.
  if (listener === undefined || type === "etcd" || type === "consul") return [];
  const path = ["node", "listen", listener];
  if (valueAt(root, "global", "sampling", "randomness") !== "hash") {
    const message = "tells sources nothing: they would keep the traces that routers drop";
    return [atKey(caution(path, message, "set global.sampling.randomness: hash"))];
  }
  return ceilingsOf(root, strategiesOf(root)).flatMap((ceiling) => {
    if (ceiling.rate >= HALF || !ceiling.signals.includes("traces")) return [];
    const message = "is kept of what arrives, and sources that ask are told to send little more than twice this share";
    const hint = `an adaptive strategy makes up for what they leave out; or switch node.listen.${listener} off`;
    return [caution(ceiling.path, message, hint)];
  });
}
