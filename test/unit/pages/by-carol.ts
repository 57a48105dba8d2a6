// An administrator who did something, as events and as receipts name her.

const carol = 'c'.repeat(43)

export const BY_CAROL = {
  event: { actor: carol, actorName: 'carol@example.com' },
  receipt: { by: carol, byName: 'carol@example.com' },
}
