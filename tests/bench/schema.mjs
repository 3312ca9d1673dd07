#!/usr/bin/env node
// `npm run bench:schema`: whether answers by random JSON schemas are valid, and how much longer a token takes when a
// schema is followed. The time is that of the official shape with the real vocabulary of 128,256 tokens, in pairs of
// answers with and without a schema, one after the other, so that other work on the machine meets both.
import { Trit } from '../../web/node.js';
import { llama3Json } from '../golden/vocabularies.mjs';
import { answerSchemas } from '../web/schemas.mjs';
import { OFFICIAL, officialFile } from './official.mjs';
import { positive, readTexts, runMain } from './options.mjs';
import { stream } from './pieces.mjs';
import { prepareTrit } from './prepare.mjs';
import { figure, machine, markdown, summary } from './report.mjs';

const help = `usage: npm run bench:schema -- [options]

  --schemas 500         random schemas, an answer of the bundled model for each
  --rounds 15           pairs of answers for each schema that is timed
  --tokens 16           of each answer
  --threads 1,2
  --flavour simd128|relaxed   without it, the engine's choice
`;
const defaults = { schemas: '500', rounds: '15', tokens: '16', threads: '1,2' };

/** A share of the time of a token that a schema may take. */
const MOST_SHARE = 0.1;

const person = {
    type: 'object',
    properties: {
        name: { type: 'string' },
        born: { type: 'string', format: 'date' },
        children: { type: 'integer', minimum: 0, maximum: 20 },
        likes: { type: 'array', items: { enum: ['cats', 'dogs', 'birds'] }, maxItems: 5 },
        score: { type: 'number' },
    },
    required: ['name', 'born', 'children', 'likes', 'score'],
};
/** None of them ends before the tokens that are timed. */
const TIMED = {
    'people in a list': { type: 'array', items: person, minItems: 50 },
    // each character is another state, and lets nearly all tokens through: no mask is used twice
    'a text whose characters are counted': { type: 'string', minLength: 2000, maxLength: 4000 },
    'any JSON': { type: 'array', minItems: 50 },
};

async function checkAnswers(n) {
    const model = await Trit.load('models/tiny-stories/tiny-stories.trit');
    const { faults, ...counts } = await answerSchemas(model, { first: 0, n });
    model.close();
    for (const fault of faults) console.error(fault);
    console.log(`${n} random schemas: ${JSON.stringify(counts)}, ${faults.length} not valid`);
    if (faults.length > 0 || counts.valid < n) process.exitCode = 1;
}

/** The official shape, random weights, the vocabulary of Llama 3. */
function loadOfficial(options) {
    const { model, added_tokens: added } = llama3Json();
    const tokens = Object.keys(model.vocab);
    const { pieces } = officialFile(
        { ...OFFICIAL, dataBegin: 0 },
        { tokens, merges: model.merges },
    );
    if (added.length + tokens.length !== 128256) throw new Error('the vocabulary is another one');
    return Trit.load(stream(pieces), { ...options, contextLength: 512, store: false });
}

const prompt = Array.from({ length: 16 }, (_, i) => 1000 + i);

/** Milliseconds a token, what is read and sorted of the schema included. */
async function timeAnswer(model, maxTokens, jsonSchema) {
    // a token first, so that the prompt is computed
    await model.generate(prompt, { maxTokens: 1, temperature: 0 }).result;
    const begin = performance.now();
    const { ids } = await model.generate(prompt, { maxTokens, seed: 1, jsonSchema }).result;
    const taken = performance.now() - begin;
    if (ids.length !== maxTokens)
        throw new Error(`the answer has ended after ${ids.length} tokens`);
    return taken / maxTokens;
}

async function timeSchemas(model, { rounds, tokens }) {
    const rows = [];
    const begin = performance.now();
    await model.generate(prompt, { maxTokens: 0, grammar: 'root ::= ""' }).result;
    const sorting = performance.now() - begin;
    for (const [name, schema] of Object.entries(TIMED)) {
        await timeAnswer(model, tokens, schema);
        const free = [];
        const bound = [];
        for (let i = 0; i < rounds; i++) {
            free.push(await timeAnswer(model, tokens, undefined));
            bound.push(await timeAnswer(model, tokens, schema));
        }
        const shares = summary(bound.map((ms, i) => ms / free[i] - 1));
        const percent = [shares.median, shares.min, shares.max].map((x) => (100 * x).toFixed(1));
        const { threads, flavour } = model.info;
        const times = [free, bound].map((runs) => figure(summary(runs).median));
        rows.push([
            ...[name, flavour, String(threads), ...times],
            `${percent[0]} % (${percent[1]} to ${percent[2]})`,
            figure(sorting),
        ]);
        console.error(rows.at(-1).join(', '));
        if (shares.median > MOST_SHARE) process.exitCode = 1;
    }
    return rows;
}

async function main(args) {
    const names = [...Object.keys(defaults), 'flavour'];
    const values = readTexts(args, names, defaults);
    if (values.help) return process.stdout.write(help);
    const [rounds, tokens] = ['rounds', 'tokens'].map((name) => positive(name, values[name]));
    prepareTrit();
    if (values.schemas !== '0') await checkAnswers(positive('schemas', values.schemas));
    const rows = [
        ['schema', 'flavour', 'threads', 'ms a token without', 'with', 'more', 'first grammar ms'],
    ];
    for (const threads of values.threads.split(',').map((text) => positive('threads', text))) {
        const model = await loadOfficial({ threads, flavour: values.flavour });
        rows.push(...(await timeSchemas(model, { rounds, tokens })));
        model.close();
    }
    console.log(`${JSON.stringify(machine())}\n\n${markdown(rows)}`);
}

await runMain('bench:schema', main);
