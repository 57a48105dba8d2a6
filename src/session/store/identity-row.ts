// An identity as it lies in a row of either object: groups one per line, and null for what was not said.
import type { Identity } from '../../caller.ts'

export interface IdentityRow extends Record<string, SqlStorageValue> {
  issuer: string
  subject: string
  email: string | null
  name: string | null
  groups: string
}

export function groupsText(groups: readonly string[]): string {
  return groups.join('\n')
}

export function storedGroups(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n')
}

export function identityOf({ issuer, subject, email, name, groups }: IdentityRow): Identity {
  return { issuer, subject, email: email ?? undefined, name: name ?? undefined, groups: storedGroups(groups) }
}
