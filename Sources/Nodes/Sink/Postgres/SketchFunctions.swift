/// The SQL functions that read and merge sketches and exact sums, and the view of how fresh tables are, as a start
/// installs them into schema `millrace`.
enum SketchFunctions {
    /// All of them, in the order in which they can be made; every statement may run again on what an earlier version
    /// has made.
    static var script: String {
        let files = [
            PackageResources.percentiles_sql, PackageResources.percentiles_decode_sql,
            PackageResources.percentiles_quick_sql, PackageResources.percentiles_merge_sql,
            PackageResources.percentiles_read_sql, PackageResources.percentiles_charts_sql,
            PackageResources.uniques_sql, PackageResources.uniques_merge_sql,
            PackageResources.uniques_read_sql, PackageResources.sums_sql,
            PackageResources.freshness_sql,
            PackageResources.top_sql, PackageResources.top_merge_sql, PackageResources.top_read_sql,
        ]
        return files.map { String(decoding: $0, as: UTF8.self) }.joined()
    }
}
