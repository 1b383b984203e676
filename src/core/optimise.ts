import { setFlagsFromString } from "node:v8";

/**
 * Whether V8 makes its best code (TurboFan) of what runs often from here on; what it has made
 * stays. At a start what reads 10,000 rules runs a second and then seldom again, and to make that
 * code of it takes other threads as long as all of the reading, where there is hardly a core for
 * them.
 */
export function optimise(whether: boolean): void {
  setFlagsFromString(whether ? "--opt" : "--no-opt");
}
