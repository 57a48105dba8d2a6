// Canonical JSON (RFC 8785): the same bytes whoever writes it, so that anybody can compute its digest, and two values can be compared.

/** Of text, numbers, booleans, null, lists and objects; a member that is undefined is as if it were not there. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  // Names are compared by their UTF-16 code units, as `<` does.
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const ordered = members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${ordered.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
