// The format of sealed recordings in a browser: WebCrypto and nothing else. It wraps and unwraps keys, and reads sealed messages.
//
// It does what docs/recordings.md says, apart from the reader of the command line, so that each is a proof of the other. What a message
// says is handed on as text; nothing here puts it on a page.
const WRAPPING = 'PBES2-HS512+A256KW'
const ITERATIONS = 600000
const MOST_ITERATIONS = 10000000
export const CURVE = { name: 'ECDH', namedCurve: 'P-256' }
export const { subtle } = crypto

const bytesOf = (text) => new TextEncoder().encode(text)
const textOf = (bytes) => new TextDecoder().decode(bytes)
export const random = (length) => crypto.getRandomValues(new Uint8Array(length))
const encode = (bytes) => {
  let text = ''
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
// A loop: for a message of megabytes whatever calls back for each character takes seconds.
const decode = (text) => {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = new Uint8Array(binary.length)
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = binary.charCodeAt(at)
  return bytes
}
const joined = (parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
const headerOf = (jwe) => JSON.parse(textOf(decode(jwe.split('.')[0])))
const gcm = (iv, additionalData) => ({ name: 'AES-GCM', iv, additionalData })
const digest = async (bytes) => new Uint8Array(await subtle.digest('SHA-256', bytes))
export const thumbprint = async ({ crv, kty, x, y }) => encode(await digest(bytesOf(JSON.stringify({ crv, kty, x, y }))))
export const plainCode = (text) => text.toUpperCase().replace(/[^0-9A-Z]/g, '')

const wrappingKey = async (secret, salt, iterations, use) => {
  const base = await subtle.importKey('raw', bytesOf(secret), 'PBKDF2', false, ['deriveKey'])
  const algorithm = { name: 'PBKDF2', hash: 'SHA-512', salt: joined([bytesOf(WRAPPING), random(1).fill(0), salt]), iterations }
  return await subtle.deriveKey(algorithm, base, { name: 'AES-KW', length: 256 }, false, [use])
}

export const wrap = async (secret, jwk, kid) => {
  const salt = random(16)
  const header = { alg: WRAPPING, enc: 'A256GCM', cty: 'jwk+json', kid, p2s: encode(salt), p2c: ITERATIONS }
  const head = encode(bytesOf(JSON.stringify(header)))
  const content = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt'])
  const key = await subtle.wrapKey('raw', content, await wrappingKey(secret, salt, ITERATIONS, 'wrapKey'), 'AES-KW')
  const iv = random(12)
  const sealed = new Uint8Array(await subtle.encrypt(gcm(iv, bytesOf(head)), content, bytesOf(JSON.stringify(jwk))))
  return [head, ...[new Uint8Array(key), iv, sealed.subarray(0, -16), sealed.subarray(-16)].map(encode)].join('.')
}

// The work factor is part of what is authenticated; a lower one is refused before anything is tried with it.
export const unwrap = async (secret, jwe, fingerprint) => {
  const { alg, enc, p2s, p2c } = headerOf(jwe)
  if (alg !== WRAPPING || enc !== 'A256GCM' || !(p2c >= ITERATIONS && p2c <= MOST_ITERATIONS)) throw new Error('weak')
  const [head, key, iv, sealed, tag] = jwe.split('.')
  const wrapping = await wrappingKey(secret, decode(p2s), p2c, 'unwrapKey')
  const content = await subtle.unwrapKey('raw', decode(key), wrapping, 'AES-KW', 'AES-GCM', false, ['decrypt'])
  const plain = await subtle.decrypt(gcm(decode(iv), bytesOf(head)), content, joined([decode(sealed), decode(tag)]))
  const jwk = JSON.parse(textOf(plain))
  if ((await thumbprint(jwk)) !== fingerprint) throw new Error('another key')
  return await subtle.importKey('jwk', jwk, CURVE, false, ['deriveBits'])
}

const length = (number) => Uint8Array.of(0, 0, number >> 8, number & 255)

// RFC 7518 section 4.6: one round of the Concat KDF.
const segmentKey = async ({ id, recording, jwe }, privateKey, whose) => {
  const { alg, enc, epk, recording: of, segment, person = whose } = headerOf(jwe)
  if (alg !== 'ECDH-ES' || enc !== 'A256GCM' || of !== recording || segment !== id || person !== whose)
    throw new Error('another segment')
  const ephemeral = await subtle.importKey('jwk', { kty: epk.kty, crv: epk.crv, x: epk.x, y: epk.y }, CURVE, false, [])
  const shared = new Uint8Array(await subtle.deriveBits({ name: 'ECDH', public: ephemeral }, privateKey, 256))
  const info = [length(enc.length), bytesOf(enc), length(0), length(0), length(256)]
  const derived = await subtle.importKey('raw', await digest(joined([length(1), shared, ...info])), 'AES-GCM', false, ['decrypt'])
  const [head, , iv, sealed, tag] = jwe.split('.')
  const raw = await subtle.decrypt(gcm(decode(iv), bytesOf(head)), derived, joined([decode(sealed), decode(tag)]))
  return await subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt'])
}

const factsOf = ({ at, kind, requestId, clientId, grantId, verb, method, about, status, refusal }) => [
  at,
  kind,
  requestId,
  clientId,
  grantId,
  verb,
  ...[method, about, status, refusal].map((fact) => fact ?? null),
]

const boundTo = ({ recording, segment, sequence, direction, part, isLast }, entry) => {
  return bytesOf(
    JSON.stringify(['sealed-message-1', recording, segment, sequence, direction, part, isLast, entry ? factsOf(entry) : null]),
  )
}

const unsealed = async (key, text, bound) => {
  const data = decode(text)
  return await subtle.decrypt(gcm(data.subarray(0, 12), bound), key, data.subarray(12))
}

const MESSAGES = [
  ['request', 'to_server'],
  ['answer', 'to_client'],
]

// keyOf: the private half for a fingerprint, or undefined. told: an entry with what could be read. report: a code, and a sentence.
export const readerOf = (keyOf, told, report) => {
  const segments = new Map()
  const standing = new Map()
  // What blocks hold, by the number of the entry, until that comes.
  const items = new Map()
  // Of which messages of the entry there are parts, and up to which entry there are blocks.
  const met = new Set()
  let metUpTo = 0
  let entry, open, next, texts, first, person

  const tell = () => {
    if (open) report('cut', 'a message of entry ' + entry.number + ' has no end')
    open = undefined
    if (!entry) return
    const { type: _type, sealed, ...shown } = entry
    const isMet = (way) => (sealed.block === undefined ? met.has(way) : entry.number <= metUpTo)
    for (const [name, way] of MESSAGES)
      if (sealed?.[name] !== undefined && !isMet(way))
        report('missing', 'the ' + name + ' of entry ' + entry.number + ' was kept, and is not there')
    met.clear()
    const item = items.get(entry.number)
    items.delete(entry.number)
    if (item && JSON.stringify(item[0]) !== JSON.stringify(factsOf(entry)))
      report('altered', 'what stands beside the messages of entry ' + entry.number + ' was changed, or is another’s')
    else if (item) [shown.request, shown.answer] = [item[1] ?? undefined, item[2] ?? undefined]
    if (texts.to_server) shown.request = textOf(joined(texts.to_server))
    if (texts.to_client) shown.answer = textOf(joined(texts.to_client))
    told(shown)
    entry = undefined
  }

  const follow = ({ recording, sequence }) => {
    const known = standing.get(recording)
    const here = known ?? { next: 0, isClosed: false, isReadable: true }
    if (!known && sequence > 0)
      report(
        'beginning_gone',
        'the first ' + sequence + ' parts of recording ' + recording + ' are gone: they made room, or were removed',
      )
    else if (known && sequence !== here.next)
      report('missing', 'recording ' + recording + ': part ' + sequence + ' comes where ' + here.next + ' belongs')
    here.next = sequence + 1
    standing.set(recording, here)
    return here
  }

  const take = async (line) => {
    if (line.type === 'entry') {
      tell()
      entry = line
      texts = {}
      first ??= entry.number
    } else if (line.type === 'recording') person = line.person
    else if (line.type === 'segment') {
      const key = keyOf(line.fingerprint)
      if (!key) report('key_not_opened', 'messages are sealed to a key that is not open here: ' + line.fingerprint)
      const opened =
        key &&
        (await segmentKey(line, key, person).catch(
          () => void report('altered', 'segment ' + line.id + ' was changed, or is another’s'),
        ))
      segments.set(line.id, opened)
    } else if (line.type === 'part') {
      const { direction, part, isLast } = line
      const here = follow(line)
      met.add(direction)
      if (direction === 'block') metUpTo = line.entry
      const key = segments.get(line.segment)
      if (!key) {
        here.isReadable = false
        return
      }
      const isFirst = part === 0
      const isWhole = direction === 'end' || direction === 'block'
      const belongs = isWhole || (line.entry === entry?.number && (isFirst ? !open : open === direction && part === next))
      const bound = boundTo(line, isWhole ? undefined : entry)
      const plain = belongs && (await unsealed(key, line.data, bound).catch(() => undefined))
      if (!plain) {
        open = undefined
        report(
          'altered',
          direction === 'end'
            ? 'the mark at the end was changed'
            : direction === 'block'
              ? 'messages of entries ' + (line.entry - part) + ' to ' + line.entry + ' were changed, or are another’s'
              : 'a message of entry ' + line.entry + ' was changed, or is another’s',
        )
      } else if (direction === 'end') here.isClosed = true
      else if (direction === 'block')
        JSON.parse(textOf(new Uint8Array(plain))).forEach((item, at) => item && items.set(line.entry - part + at, item))
      else {
        ;(texts[direction] ??= []).push(new Uint8Array(plain))
        open = isLast ? undefined : direction
        next = part + 1
      }
    }
  }

  const end = () => {
    tell()
    const before = [...items.keys()].filter((number) => !(number >= first)).length
    if (before > 0) report('beginning_gone', before + ' entries are gone: they made room, or were removed')
    if (items.size > before) report('missing', 'entries are missing: ' + [...items.keys()].slice(before).join(', ').slice(0, 200))
    for (const [recording, { isClosed, isReadable }] of standing)
      if (isReadable && !isClosed)
        report('not_closed', 'recording ' + recording + ' has no mark at its end: it is still on, or its end was cut off')
  }
  return { take, end }
}
