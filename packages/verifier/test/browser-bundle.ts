// The verifier as a web page would embed it: one minified script without modules.

import { build } from 'vite';

/** The script; it defines the global `vitrineVerifier`. */
export async function bundleVerifier(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@vitrine/source'] },
    build: {
      write: false,
      minify: true,
      lib: { entry: `${import.meta.dirname}/../src/index.ts`, formats: ['iife'], name: 'vitrineVerifier' },
    },
  });
  const output = Array.isArray(result) ? result[0] : result;
  const chunk = output !== undefined && 'output' in output ? output.output[0] : undefined;
  if (chunk === undefined) throw new Error('vite made no bundle');
  return chunk.code;
}
