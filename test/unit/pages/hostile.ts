// Puts a probe into every text of a page's props, one at a time: a prop that is forgotten can't be forgotten here.

export const PROBE = `<img src=x onerror=alert(1)>"'&`
export const ESCAPED = '&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;'

/** Each way to replace one string inside `value` by the probe, named by its path; `except` keeps what is no free text. */
export function probed<T>(value: T, except: readonly string[] = []): [path: string, probed: T][] {
  return pathsOf(value)
    .filter((path) => !except.includes(path.join('.')))
    .map((path) => [path.join('.'), replaced(value, path)])
}

function pathsOf(value: unknown): string[][] {
  if (typeof value === 'string') return [[]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => pathsOf(inner).map((path) => [key, ...path]))
}

function replaced<T>(value: T, path: readonly string[]): T {
  const copy = structuredClone(value)
  const last = path.at(-1) ?? ''
  const holder = path.slice(0, -1).reduce<unknown>((at, key) => Reflect.get(Object(at), key), copy)
  Reflect.set(Object(holder), last, PROBE)
  return copy
}

/** The tags of a document with their attributes' names, but not their values. */
export function tagsOf(html: string): string {
  return (html.match(/<[a-z][^>"]*(?:"[^"]*"[^>"]*)*>/gi) ?? []).join('').replace(/"[^"]*"/g, '""')
}

/** The kinds of element a document has. */
export function elementsOf(html: string): Set<string> {
  return new Set([...html.matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, name = '']) => name.toLowerCase()))
}
