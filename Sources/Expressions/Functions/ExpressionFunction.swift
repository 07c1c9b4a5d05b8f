/// A function of the expression language, in one place: its name, its types, what the documentation says, an example
/// that the tests run, and what it does.
struct ExpressionFunction: Sendable {
    /// What a function is made of.
    enum Body: Sendable {
        /// The first form that fits the arguments' types is taken.
        case forms([FunctionForm])
        /// The checker does it: the arguments are of any type that they have in common.
        case special(SpecialForm)
    }

    /// A call and its value as text.
    struct Example: Sendable {
        var call: String
        /// As a cast to text shows it; nil is null.
        var value: String?

        init(_ call: String, _ value: String?) {
            self.call = call
            self.value = value
        }
    }

    /// The name, in lower case.
    var name: String
    /// What it answers, a sentence in Markdown.
    var summary: String
    var examples: [Example]
    var body: Body
    /// How it is written where it is no plain call, such as `t like pattern`.
    var writing: String?
    /// Where it differs from Postgres's function of the same name, and why; nil where it does not.
    var deviation: String?
    /// Whether Postgres has no function of this name.
    var isOwn = false
    /// How it is said in SQL, where that is not by the function of its name.
    var ownSQL: FunctionSQL?

    init(
        _ name: String, _ summary: String, _ examples: [Example], writing: String? = nil, deviation: String? = nil,
        isOwn: Bool = false, _ forms: FunctionForm...
    ) {
        self.name = name
        self.summary = summary
        self.examples = examples
        self.writing = writing
        self.deviation = deviation
        self.isOwn = isOwn
        body = .forms(forms)
    }

    init(
        _ name: String, _ summary: String, _ examples: [Example], writing: String? = nil, deviation: String? = nil,
        isOwn: Bool = false, special: SpecialForm
    ) {
        self.init(name, summary, examples, writing: writing, deviation: deviation, isOwn: isOwn)
        body = .special(special)
    }

    /// How many arguments the forms take.
    var counts: [ClosedRange<Int>] {
        switch body {
        case .forms(let forms): forms.map(\.counts)
        case .special(.nullif): [2...2]
        case .special: [1...64]
        }
    }

    /// The call as the documentation writes it.
    var signature: String {
        if let writing { return writing }
        switch body {
        case .forms(let forms):
            let calls = forms.map { "\(name)(\($0.parameterList))" }
            let distinct = calls.enumerated().filter { !calls[..<$0.offset].contains($0.element) }.map(\.element)
            return distinct.joined(separator: " or ")
        case .special(.nullif): return "nullif(a, b)"
        case .special: return "\(name)(a, b, …)"
        }
    }
}

/// The functions whose arguments have a type in common.
enum SpecialForm: String, Sendable {
    case coalesce, nullif, greatest, least
}

/// One way to call a function.
struct FunctionForm: Sendable {
    /// The type of a form's values.
    struct Result: Sendable {
        /// As the documentation says it.
        var name: String
        var type: @Sendable (FormArguments) -> ValueType

        static let text = fixed(.text)
        static let integer = fixed(.integer)
        static let double = fixed(.double)
        static let boolean = fixed(.boolean)
        static let timestamp = fixed(.timestamp)
        static let localTimestamp = fixed(.localTimestamp)

        /// The same type, whatever the arguments.
        static func fixed(_ type: ValueType) -> Result { Result(name: type.description) { _ in type } }

        /// The type of an argument.
        static func same(as index: Int = 0) -> Result { Result(name: "the same type") { $0.types[index] } }
    }

    var parameters: [Parameter]
    /// How many of the last parameters may be left out.
    var optional = 0
    /// Whether the last parameter may stand any number of times.
    var isVariadic = false
    /// Whether exact numbers get the same digits after the point first.
    var alignsScales = false
    /// Whether null arguments are left out; otherwise one makes the result null.
    var skipsNulls = false
    var result: Result
    var kernel: @Sendable (FormArguments) throws(FormProblem) -> Kernel

    /// A form whose kernel does not depend on the arguments.
    static func form(
        _ parameters: [Parameter], _ result: Result, optional: Int = 0, _ kernel: Kernel
    ) -> FunctionForm {
        FunctionForm(parameters: parameters, optional: optional, result: result) { _ in kernel }
    }

    /// A form whose kernel depends on the types or on constant arguments.
    static func form(
        _ parameters: [Parameter], _ result: Result, optional: Int = 0, alignsScales: Bool = false,
        making kernel: @escaping @Sendable (FormArguments) throws(FormProblem) -> Kernel
    ) -> FunctionForm {
        FunctionForm(
            parameters: parameters, optional: optional, alignsScales: alignsScales, result: result, kernel: kernel)
    }

    var counts: ClosedRange<Int> { (parameters.count - optional)...(isVariadic ? 64 : parameters.count) }

    func parameter(_ index: Int) -> Parameter { parameters[min(index, parameters.count - 1)] }

    func fits(_ types: [ValueType?]) -> Bool {
        counts.contains(types.count) && types.indices.allSatisfy { parameter($0).fits(types[$0]) }
    }

    var parameterList: String {
        let names = parameters.map(\.name)
        let required = names.dropLast(optional).joined(separator: ", ")
        let rest = names.suffix(optional).map { "[, \($0)]" }.joined()
        return required + rest + (isVariadic ? ", …" : "")
    }
}

/// One parameter of a form.
struct Parameter: Sendable {
    /// What may be given for it, and how the kernel sees it.
    enum Kind: Sendable, CustomStringConvertible {
        case text
        case integer
        /// Any number; the kernel sees doubles.
        case double
        /// An integer or a decimal; the kernel sees units.
        case exact
        case boolean
        case timestamp
        case localTimestamp
        case interval
        /// A text, or what has a text: the kernel sees that.
        case printable

        var description: String {
            switch self {
            case .text: "text"
            case .integer: "integer"
            case .double: "double"
            case .exact: "number"
            case .boolean: "boolean"
            case .timestamp: "timestamp"
            case .localTimestamp: "local timestamp"
            case .interval: "interval"
            case .printable: "text"
            }
        }

        /// The type that a null has here.
        var type: ValueType {
            switch self {
            case .text, .printable: .text
            case .integer, .exact: .integer
            case .double: .double
            case .boolean: .boolean
            case .timestamp: .timestamp
            case .localTimestamp: .localTimestamp
            case .interval: .interval
            }
        }
    }

    var name: String
    var kind: Kind
    /// Whether the value must be the same for all records.
    var isConstant = false

    static func text(_ name: String) -> Parameter { Parameter(name: name, kind: .text) }
    static func integer(_ name: String) -> Parameter { Parameter(name: name, kind: .integer) }
    static func double(_ name: String) -> Parameter { Parameter(name: name, kind: .double) }
    static func exact(_ name: String) -> Parameter { Parameter(name: name, kind: .exact) }
    static func timestamp(_ name: String) -> Parameter { Parameter(name: name, kind: .timestamp) }
    static func local(_ name: String) -> Parameter { Parameter(name: name, kind: .localTimestamp) }
    static func interval(_ name: String) -> Parameter { Parameter(name: name, kind: .interval, isConstant: true) }

    /// The same parameter for a value that does not change with the record.
    var fixed: Parameter {
        var parameter = self
        parameter.isConstant = true
        return parameter
    }

    /// Whether a value of a type may be given; null, which has none, always may.
    func fits(_ type: ValueType?) -> Bool {
        guard let type else { return true }
        return switch kind {
        case .text: type == .text
        case .integer: type == .integer
        case .double: type.isNumeric
        case .exact: type.exactScale != nil
        case .boolean: type == .boolean
        case .timestamp: type == .timestamp
        case .localTimestamp: type == .localTimestamp
        case .interval: type == .interval
        case .printable: type == .text || type.isNumeric || type == .timestamp || type == .localTimestamp
        }
    }
}

/// What is known of a call's arguments when it is checked.
struct FormArguments: Sendable {
    /// The arguments' types; of exact numbers whose scales are aligned, the common one.
    var types: [ValueType]
    /// The values of those that are constant and not null.
    var constants: [ConstantValue?]
    var intervals: [Interval?]

    /// A constant text; nil when the argument is left out, changes with the record, or is null.
    func text(_ index: Int) -> [UInt8]? {
        guard index < constants.count, case .text(let bytes)? = constants[index] else { return nil }
        return bytes
    }

    /// A constant whole number.
    func integer(_ index: Int) -> Int64? {
        guard index < constants.count, case .integer(let value)? = constants[index] else { return nil }
        return value
    }

    /// Digits after the point of an exact argument.
    func scale(_ index: Int) -> Int { types[index].exactScale ?? 0 }
}

/// What is wrong with a constant argument.
struct FormProblem: Error {
    var code: String
    /// Which argument.
    var argument: Int
    /// The byte of the argument's text where it goes wrong.
    var offset: Int?
    var message: String
    var hint: String?
}
