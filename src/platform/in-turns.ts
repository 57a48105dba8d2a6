// Work on many things in turns: what a turn has to write is written before the next, and whoever else waits is heard between them.

/** As much as a runtime writes at once. */
const AT_ONCE = 50

/** What it fails with for one of them is thrown when all have had their turn. */
export async function inTurns<Item>(items: readonly Item[], work: (item: Item) => void): Promise<void> {
  const failures: unknown[] = []
  for (let at = 0; at < items.length; at += AT_ONCE) {
    for (const item of items.slice(at, at + AT_ONCE)) {
      try {
        work(item)
      } catch (error) {
        failures.push(error)
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  if (failures.length > 0) throw failures[0]
}
