// What a campaign and each person it concerns are to the tables, and how long somebody may take to answer.
import type { Related } from './people.ts'

export interface CampaignRow extends Record<string, SqlStorageValue> {
  id: string
  at: number
  actor: string
  actor_name: string | null
  reason: string
  action: 'revoke' | 'block'
  what: 'everyone' | 'client' | 'resource'
  target: string | null
  come_to: string
  walked: number
}

export interface PersonRow extends Record<string, SqlStorageValue> {
  campaign: string
  sub: string
  attempts: number
  due: number
  error: string
  /** The number of the sign-in that was reported late; 0 for who was met on the way, BEGINNING for who was about to begin. */
  late: number
}

export interface LateSignIn {
  readonly at: number
  readonly grantedAt?: number
  readonly number: number
  readonly clientId?: string
  readonly resource?: string
}

/** Whose people an action concerns; undefined when it is everybody's. */
export function relatedTo(what: string, id: string | null | undefined): Related | undefined {
  return what === 'client' || what === 'resource' ? { what, id: id ?? '' } : undefined
}

/** Rejects when it takes longer. */
export async function within<Value>(milliseconds: number, work: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), milliseconds)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
