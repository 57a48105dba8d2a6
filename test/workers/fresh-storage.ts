// One workerd runs many test files, one after the other: each begins with objects that have never lived.
import { reset } from 'cloudflare:test'
import { beforeAll } from 'vitest'

beforeAll(reset)
