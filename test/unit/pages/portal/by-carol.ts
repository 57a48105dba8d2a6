// An administrator who did something, as events and as receipts name her.

const carol = 'c'.repeat(43)

export const BY_CAROL = {
  event: { actor: carol, actorName: 'carol@example.com' },
  receipt: { by: carol, byName: 'carol@example.com' },
}

/** What came of it, for one person. */
export const ENDED_OF_ONE = { people: { total: 1, done: 1, failing: 0 }, grants: 2, streams: 3, unanswered: 0 } as const
