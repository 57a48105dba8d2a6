// Where a claim is: by its name, or by a path into an object, as a setting writes it.

/**
 * The name as it is written comes first, for names have dots too (`https://app.example/groups`). Only where there is no such claim is it a
 * path (`realm_access.roles`), of which the longest first part that is there counts. Undefined where nothing is there.
 * A setting has eight dots at most, so that looking costs little whatever a token holds.
 */
export function claimAt(claims: object, path: string): unknown {
  const [, own] = Object.entries(claims).find(([name]) => name === path) ?? []
  if (own !== undefined) return own
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const [, inner] = Object.entries(claims).find(([name]) => name === path.slice(0, dot)) ?? []
    const found: unknown = typeof inner === 'object' && inner !== null ? claimAt(inner, path.slice(dot + 1)) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
