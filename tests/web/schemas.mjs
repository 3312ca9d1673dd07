// Answers by random schemas, judged by a validator that is not ours.
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { randomSchema } from './random-schema.mjs';

/** What the validator says against the text, or ''. */
export function faultOf(schema, text) {
    const ajv = new Ajv.default({ strict: false });
    addFormats.default(ajv);
    const isValid = ajv.compile(schema);
    try {
        return isValid(JSON.parse(text)) ? '' : ajv.errorsText(isValid.errors);
    } catch (error) {
        return error.message;
    }
}

/** A story teller knows no end of JSON: what closes is made likelier. What the schema asks for stays as it is. */
async function closingBias(model) {
    const closing = await Promise.all(
        ['"', '}', ']', 'null', 'n'].map((text) => model.tokenize(text)),
    );
    return Object.fromEntries(closing.filter(({ length }) => length === 1).map(([id]) => [id, 5]));
}

/**
 * An answer for each schema. One that the context has cut off is drawn again, with another seed.
 * @param {import('../../web/model.js').Model} model
 * @param {{first: number, n: number, tries?: number}} how
 */
export async function answerSchemas(model, { first, n, tries = 5 }) {
    const counts = { valid: 0, cut: 0, again: 0, tokens: 0 };
    const faults = [];
    const logitBias = await closingBias(model);
    for (let i = first; i < first + n; i++) {
        const jsonSchema = randomSchema(i);
        let result;
        for (let seed = i, left = tries; left > 0; seed += 1e6, left--) {
            if (result) counts.again++;
            const options = { jsonSchema, seed, temperature: 1, logitBias };
            result = await model.generate('Once upon a time', options).result;
            counts.tokens += result.ids.length;
            if (result.finish === 'stop') break;
        }
        const { text, finish } = result;
        const fault = finish === 'stop' ? faultOf(jsonSchema, text) : '';
        if (finish !== 'stop') counts.cut++;
        else if (fault === '') counts.valid++;
        else faults.push(`${fault}: ${text} by ${JSON.stringify(jsonSchema)}`);
    }
    return { ...counts, faults };
}
