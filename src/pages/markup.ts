// From hono/jsx to a string: pages have no asynchronous parts, so a tree is complete the moment it is asked.
// (hono/jsx/dom/server does the same, and would put the renderer for browsers into the Worker with it.)
export function markupOf(tree: { toString(): string }): string {
  return tree.toString()
}
