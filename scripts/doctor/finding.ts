// What the doctor says about one thing it looked at: how it is, and what to do about it.

export interface Finding {
  /** `settings`, `identity provider`, `downstream`, `broker`: the heading it stands under. */
  readonly about: string
  readonly state: 'ok' | 'note' | 'fault'
  readonly says: string
  /** What to do; a fault always has one. */
  readonly cure?: string
}

export type Found = (state: Finding['state'], says: string, cure?: string) => Finding

export function about(heading: string): Found {
  return (state, says, cure) => ({ about: heading, state, says, ...(cure !== undefined && { cure }) })
}
