import { installPrograms } from "./set-up/install.ts";
import { absenceOf, programsNeededBy } from "./set-up/programs.ts";

/**
 * Makes ready what these test files need beside what npm installs. What cannot be had is told: its
 * tests are skipped.
 */
export async function setUp(files: readonly string[]): Promise<void> {
  const absent = await installPrograms(programsNeededBy(files));
  for (const name of absent) process.stdout.write(`set-up: ${absenceOf(name)}: its tests will be SKIPPED\n`);
}
