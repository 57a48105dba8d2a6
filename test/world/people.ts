// The three people everybody can be in the demo and in the tests.

export interface Person {
  /** What the identity provider calls them for ever; an e-mail address may change, this may not. */
  readonly sub: string
  readonly name: string
  readonly email: string
  readonly groups: readonly string[]
  /** One human word for the sign-in page. */
  readonly about: string
}

export type PersonKey = 'alice' | 'bob' | 'carol'

export const PEOPLE: Readonly<Record<PersonKey, Person>> = {
  alice: { sub: 'person-1001', name: 'Alice Archer', email: 'alice@example.com', groups: ['engineering'], about: 'Engineering' },
  bob: { sub: 'person-1002', name: 'Bob Baker', email: 'bob@example.com', groups: ['sales'], about: 'Sales' },
  carol: {
    sub: 'person-1003',
    name: 'Carol Cole',
    email: 'carol@example.com',
    groups: ['admins', 'engineering'],
    about: 'Administrator',
  },
}

export const PERSON_KEYS: readonly PersonKey[] = ['alice', 'bob', 'carol']

export function isPersonKey(text: string): text is PersonKey {
  return Object.hasOwn(PEOPLE, text)
}
