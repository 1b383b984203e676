import { join } from "node:path";
import { HealthWorld } from "./health-world.ts";
import { scenarioFiles } from "./scenario-file.ts";

scenarioFiles(join(import.meta.dirname, "health"), () => {
  const world = new HealthWorld();
  return (command) => world.run(command);
});
