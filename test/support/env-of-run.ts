/**
 * The environment of a process of `signalbox run`: this one's, and more. What it compiled is kept
 * in a folder of its own, since it sets flags of V8, and V8 takes nothing that was compiled with
 * other flags: it would compile all again, and so would whoever starts next without them.
 */
export function envOfRun(more: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
  const { NODE_COMPILE_CACHE: folder } = process.env;
  return { ...process.env, ...(folder === undefined ? {} : { NODE_COMPILE_CACHE: `${folder}-run` }), ...more };
}
