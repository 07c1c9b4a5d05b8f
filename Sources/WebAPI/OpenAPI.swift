/// The description of the interface for programs, OpenAPI 3.1.
package enum OpenAPI {
    /// The document's bytes.
    package static let document: [UInt8] = PackageResources.openapi_json
}
