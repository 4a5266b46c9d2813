/** Runs a job for each item, at most `limit` at once. After a failure no further one is begun; rejects, with the first, once all have ended. */
export async function eachAtOnce<T>(
  items: Iterable<T>,
  limit: number,
  job: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const failures: unknown[] = [];
  async function work(): Promise<void> {
    for (let next = rest.next(); next.done !== true && failures.length === 0; next = rest.next()) {
      try {
        await job(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, work));
  if (failures.length > 0) throw failures[0];
}
