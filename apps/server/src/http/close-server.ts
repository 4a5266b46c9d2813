/** Ends a server: takes no new request, answers those under way within a time, and then cuts off the rest. */
import type { FastifyInstance } from 'fastify';

export async function closeServer(app: FastifyInstance, withinMs: number): Promise<void> {
  const idle = setInterval(() => app.server.closeIdleConnections(), 100);
  const rest = setTimeout(() => app.server.closeAllConnections(), withinMs);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(rest);
  }
}
