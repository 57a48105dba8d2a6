// The page Sealing key in a browser: makes the key pair, wraps its private half twice, shows the kit, and sends what may be sent.
import { CURVE, plainCode, random, subtle, thumbprint, wrap } from './sealing-format.js'

const CODE = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const characters = (length, alphabet) => [...random(length)].map((byte) => alphabet[byte & 31]).join('')
const inGroups = (text) => text.match(/.{1,5}/g).join('-')
const byId = (id) => document.getElementById(id)

// How fingers run over a keyboard, row by row and column by column.
const KEYS = '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p qwertyuiop asdfghjkl zxcvbnm'
const RUNS = KEYS + ' ' + KEYS.split('').toReversed().join('')

// An estimate from below, in bits: letters in a row are taken for a word, and what repeats, counts up or runs over the keys for nothing.
export const strengthOf = (text) => {
  let bits = 0
  for (const [at, character] of [...text].entries()) {
    const step = at === 0 ? 9 : character.codePointAt(0) - text.codePointAt(at - 1)
    const isRepeated = Math.abs(step) < 2 || (at > 2 && text.slice(0, at - 1).includes(text.slice(at - 2, at + 1)))
    const isRun = at > 1 && RUNS.includes(text.slice(at - 2, at + 1).toLowerCase())
    const isWord = /\p{L}/u.test(character) && /\p{L}{4}/u.test(text.slice(Math.max(0, at - 3), at + 4))
    bits += isRepeated || isRun ? 0 : isWord ? 2.5 : 5
  }
  return text.length < 12 ? Math.min(bits, 30) : bits
}
const ENOUGH = 60

export const setUp = (root) => {
  const [passphrase, again, reason, strength, status] = ['passphrase', 'again', 'reason', 'strength', 'status'].map((id) =>
    byId('key-' + id),
  )
  let made
  root.hidden = false

  const look = () => {
    const bits = strengthOf(passphrase.value.normalize('NFKC'))
    const word =
      bits >= 80
        ? 'Strong.'
        : bits >= ENOUGH
          ? 'Good enough.'
          : 'Too easy to guess: make it longer, with words that do not belong together.'
    strength.textContent = passphrase.value === '' ? '' : word
    strength.dataset.enough = String(bits >= ENOUGH)
    return bits >= ENOUGH
  }
  passphrase.addEventListener('input', look)

  byId('key-suggest').addEventListener('click', () => {
    // Two in a thousand look weaker than they are.
    do passphrase.value = again.value = inGroups(characters(20, CODE.toLowerCase()))
    while (!look())
    passphrase.type = again.type = 'text'
  })

  const make = async () => {
    const secret = passphrase.value.normalize('NFKC')
    if (!look()) return 'The passphrase is too easy to guess.'
    if (secret !== again.value.normalize('NFKC')) return 'The two passphrases are not the same.'
    if (reason.value.trim() === '') return 'Say why: the receipt and the event log keep it.'
    status.textContent = 'Making the key. This takes a few seconds.'
    const pair = await subtle.generateKey(CURVE, true, ['deriveBits'])
    const { kty, crv, x, y, d } = await subtle.exportKey('jwk', pair.privateKey)
    const key = { kty, crv, x, y }
    const fingerprint = await thumbprint(key)
    const code = characters(25, CODE)
    const jwk = { ...key, d }
    const wrapped = { passphrase: await wrap(secret, jwk, fingerprint), recovery: await wrap(code, jwk, fingerprint) }
    made = { code, body: { key, wrapped, replaces: root.dataset.replaces || null, reason: reason.value.trim() } }
    passphrase.value = again.value = ''
    byId('kit-code').textContent = inGroups(code)
    byId('kit-fingerprint').textContent = fingerprint
    byId('kit-date').textContent = new Date().toISOString().slice(0, 10)
    root.hidden = true
    byId('kit').hidden = false
    byId('kit-title').focus()
    return ''
  }

  const save = async () => {
    if (plainCode(byId('kit-typed').value) !== made.code.slice(-5))
      return 'These are not the last five characters of the recovery code.'
    const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': root.dataset.csrf }
    const answer = await fetch('/admin/api/sealing-key', {
      method: 'POST',
      headers,
      body: JSON.stringify(made.body),
      redirect: 'manual',
    })
    const said = await answer.json().catch(() => ({}))
    if (!answer.ok) return 'Nothing was saved: ' + (said.error_description ?? 'the broker does not answer as it should') + '.'
    made = undefined
    byId('kit-confirm').hidden = true
    byId('kit-saved').hidden = false
    byId('kit-receipt').href = '/admin/receipts/' + said.id
    return ''
  }

  for (const [id, work, where] of [
    ['key-make', make, status],
    ['kit-save', save, byId('kit-status')],
  ])
    byId(id).addEventListener('click', async ({ target }) => {
      target.disabled = true
      where.textContent = await work().catch(() => 'This did not work in your browser.')
      target.disabled = false
    })
  byId('kit-print').addEventListener('click', () => print())
}
