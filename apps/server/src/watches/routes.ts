/** HTTP: watches. Anyone may ask for one; who has its secret may look at it and end it. */
import type { Router } from '../router.ts';
import type { WatchCommands } from './commands.ts';

export function addWatchRoutes(router: Router, commands: WatchCommands): void {
  router.on('addWatch', ({ body, from }) => commands.add(body, { from }));
  router.on('watch', async ({ from, params: { id }, secret }) =>
    Promise.resolve(commands.show({ from, id, secret })),
  );
  router.on('confirmWatch', ({ from, params: { id }, secret }) => commands.confirm({ from, id, secret }));
  router.on('removeWatch', async ({ from, params: { id }, secret }) => {
    await commands.remove({ from, id, secret });
    return { id, removed: true as const };
  });
}
