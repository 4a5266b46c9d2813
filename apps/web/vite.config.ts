/** Builds the pages into dist/: hashed assets, no inline code, fonts preloaded. */
import { env } from 'node:process';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';
import type { Plugin } from 'vite';

/** Preloads the two upright text faces, so that `font-display: optional` has them at the first paint. */
function preloadFonts(): Plugin {
  return {
    name: 'preload-fonts',
    transformIndexHtml: {
      order: 'post',
      handler(_html, context) {
        const fonts = Object.keys(context.bundle ?? {}).filter((file) => file.endsWith('.woff2'));
        return fonts.map((file) => ({
          tag: 'link',
          attrs: { rel: 'preload', as: 'font', type: 'font/woff2', href: `/${file}`, crossorigin: true },
          injectTo: 'head-prepend' as const,
        }));
      },
    },
  };
}

export default defineConfig(({ command }) => {
  // What is built is served to readers, also when a test runner, whose NODE_ENV is another, has it built.
  if (command === 'build') env['NODE_ENV'] = 'production';
  return {
    plugins: [react(), tailwindcss(), preloadFonts()],
    resolve: { conditions: ['@vitrine/source', ...defaultClientConditions] },
    build: {
      target: 'es2022',
      assetsInlineLimit: 0,
      sourcemap: false,
    },
    worker: { format: 'es' },
    server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
  };
});
