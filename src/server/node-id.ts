import { hostname } from "node:os";
import type { NodeConfig } from "../config/schema/config.ts";

/** What a node is called: as its config says, else as its machine is. */
export function nodeIdOf({ id }: Pick<NodeConfig, "id">): string {
  return id ?? hostname();
}
