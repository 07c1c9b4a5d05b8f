extension FunctionCatalog {
    static let hashes: [ExpressionFunction] = [
        ExpressionFunction(
            "md5", "The MD5 of the text's bytes, in base 16. It protects nothing: for ids take `pseudonym`.",
            [.init("md5('abc')", "900150983cd24fb0d6963f7d28e17f72")],
            .form([.text("t")], .text, hashed(MD5.self))),
        ExpressionFunction(
            "sha256", "The SHA-256 of the text's bytes, in base 16.",
            [.init("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")],
            deviation: "takes a text and answers one; in Postgres it is `encode(sha256(convert_to(t, 'UTF8')), 'hex')`",
            .form([.text("t")], .text, hashed(SHA256.self))
        )
        .inSQL(.words { "encode(sha256(convert_to(\($0[0]), 'UTF8')), 'hex')" }),
        ExpressionFunction(
            "pseudonym",
            "HMAC-SHA-256 of the text under a key, in base 16: equal texts stay equal, and nobody without the key knows "
                + "which they were. The key is best a variable: `pseudonym(user, '${USER_KEY}')`.",
            [
                .init(
                    "pseudonym('what do ya want for nothing?', 'Jefe')",
                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
            ],
            isOwn: true,
            .form([.text("t"), Parameter.text("key").fixed], .text) { facts throws(FormProblem) in
                guard let key = facts.text(1), !key.isEmpty else {
                    throw FormProblem(
                        code: "wrong-arguments", argument: 1,
                        message: "pseudonym needs a key, found none, expected a text",
                        hint: "write pseudonym(user, '${USER_KEY}')")
                }
                let hash = KeyedHash(key: key)
                return Kernel { call in
                    let text = call.arguments[0]
                    call.write({ text.isThere($0) }) { row, out in
                        hash.write(TextView.load(text, row), &out)
                        return true
                    }
                }.costly
            }),
    ]

    private static func hashed<Hash: BlockHash>(_: Hash.Type) -> Kernel {
        Kernel.write { (text: TextView, out: inout TextWriter) in
            var feeder = HashFeeder<Hash>()
            feeder.append(text)
            feeder.finish()
            feeder.writeHex(&out)
            return true
        }.costly
    }
}
