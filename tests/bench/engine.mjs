// One model of random weights in a host, the same in Node and in a page.

/**
 * Answers {op: 'open', shape, options} and {op: 'measure', prefill, decode}, with {value} or {error}.
 * @param {typeof import('../../web/index.js').Trit} Trit
 */
export function serveEngine(Trit) {
    /** @type {import('../../web/model.js').Model} */
    let model;
    const ops = {
        async open({ shape, options }) {
            model = await Trit.synthetic(shape, options);
            return model.info;
        },
        measure: ({ prefill, decode }) => model.measure({ prefill, decode }),
    };
    return async (request) => {
        try {
            return { value: await ops[request.op](request) };
        } catch ({ code, message }) {
            return { error: { code, message } };
        }
    };
}
