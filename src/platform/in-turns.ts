// Work on many things in turns: what a turn has to write is written before the next, and whoever else waits is heard between them.

/** As much as a runtime writes at once. */
const AT_ONCE = 50

export async function inTurns<Item>(items: readonly Item[], work: (item: Item) => void): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) {
    for (const item of items.slice(at, at + AT_ONCE)) work(item)
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
}
