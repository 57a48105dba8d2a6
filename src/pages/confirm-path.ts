// Where every dangerous link leads first: to the page that says what would happen.

export interface Intent {
  readonly action: 'revoke' | 'block' | 'unblock'
  readonly what: 'everyone' | 'person' | 'client' | 'resource' | 'grant' | 'mcp_session' | 'stream'
  readonly id?: string | undefined
  /** Whose it is; a client or resource without one is everybody's. */
  readonly sub?: string | undefined
}

export function confirmPath({ action, what, id, sub }: Intent): string {
  if (what === 'everyone') return '/admin/everyone'
  const query = new URLSearchParams({ action, what })
  if (id !== undefined) query.set('id', id)
  if (sub !== undefined) query.set('sub', sub)
  return `/admin/confirm?${query.toString()}`
}
