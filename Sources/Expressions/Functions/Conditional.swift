extension FunctionCatalog {
    static let conditional: [ExpressionFunction] = [
        ExpressionFunction(
            "coalesce", "The first that is not null; the others are not computed.",
            [.init("coalesce(null, 'none')", "none"), .init("coalesce(1, 2.5)", "1.0")], special: .coalesce),
        ExpressionFunction(
            "nullif", "`a`, or null where `a` equals `b`.",
            [.init("nullif('-', '-')", nil), .init("nullif(5, 0)", "5")], special: .nullif),
        ExpressionFunction(
            "greatest", "The greatest that is not null; texts by their bytes.",
            [.init("greatest(3, null, 7)", "7"), .init("greatest('a', 'b')", "b")], special: .greatest),
        ExpressionFunction(
            "least", "The least that is not null; texts by their bytes.", [.init("least(3, 7.5)", "3.0")],
            special: .least),
    ]
}
