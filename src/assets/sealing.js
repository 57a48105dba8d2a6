// The script of the two pages where a sealing key is used: set-up, and reading. No other page loads it.
import { readWith } from './sealing-reader.js'
import { setUp } from './sealing-setup.js'

const [maker, reader] = ['key-maker', 'reader'].map((id) => document.getElementById(id))
if (maker) setUp(maker)
if (reader) readWith(reader)
