// The script of the two pages where a sealing key is used: set-up, and reading. It is served as one file, and no other page loads it.
import { SEALING_FORMAT_SCRIPT } from './sealing-format-script.ts'
import { SEALING_READER_SCRIPT } from './sealing-reader-script.ts'
import { SEALING_SETUP_SCRIPT } from './sealing-setup-script.ts'

const SOURCE = `(() => {
'use strict'
${SEALING_FORMAT_SCRIPT}${SEALING_SETUP_SCRIPT}${SEALING_READER_SCRIPT}
const [maker, reader] = ['key-maker', 'reader'].map(byId)
if (maker) setUp(maker)
if (reader) readWith(reader)
})()
`

/** Comments and indentation stay in the source. */
export const SEALING_SCRIPT: string = SOURCE.replace(/\n[^\S\n]*\/\/.*/g, '').replace(/\n\s*/g, '\n')
