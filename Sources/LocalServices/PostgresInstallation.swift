import Glibc

/// The PostgreSQL programs of this machine, and the account they run under.
struct PostgresInstallation: Sendable {
    /// Folder of `initdb` and `postgres`.
    let binaries: String
    /// Put before a command to run it as the unprivileged account; empty when this process is unprivileged.
    let prefix: [String]
    /// Who owns the cluster's files; nil when this process does.
    let owner: (user: UInt32, group: UInt32)?

    /// Looks in the folder that `MILLRACE_POSTGRES_BIN` names and nowhere else; without it for the highest version, in
    /// the folders of Debian and others and in `PATH`.
    /// - Throws: ``LocalServiceError`` when something is not installed.
    static func find() throws(LocalServiceError) -> PostgresInstallation {
        guard let binaries = candidates().first(where: { FileTree.exists("\($0)/initdb") }) else {
            throw LocalServiceError(
                PrivatePostgres.serviceName, "no initdb found",
                hint: "apt-get install postgresql, or name its folder in MILLRACE_POSTGRES_BIN")
        }
        guard geteuid() == 0 else { return PostgresInstallation(binaries: binaries, prefix: [], owner: nil) }
        // PostgreSQL refuses to run as root.
        guard let account = unsafe getpwnam("postgres") else {
            throw LocalServiceError(
                PrivatePostgres.serviceName, "running as root, and there is no account postgres",
                hint: "apt-get install postgresql, or run as another user")
        }
        guard let setpriv = Executable.find("setpriv") else {
            throw LocalServiceError(
                PrivatePostgres.serviceName, "setpriv not found", hint: "apt-get install util-linux")
        }
        let (user, group) = unsafe (account.pointee.pw_uid, account.pointee.pw_gid)
        return PostgresInstallation(
            binaries: binaries,
            prefix: [setpriv, "--reuid=\(user)", "--regid=\(group)", "--init-groups", "--"],
            owner: (user, group))
    }

    /// Gives a path to the account that the server runs under; true when that worked.
    func own(_ path: String) -> Bool {
        guard let owner else { return true }
        return unsafe chown(path, owner.user, owner.group) == 0
    }

    private static func candidates() -> [String] {
        if let given = unsafe getenv("MILLRACE_POSTGRES_BIN") { return [unsafe String(cString: given)] }
        let root = "/usr/lib/postgresql"
        let versions = FileTree.names(in: root).compactMap(Int.init).sorted(by: >)
        var folders = versions.map { "\(root)/\($0)/bin" }
        // Red Hat's, Alpine's and Homebrew's packages put them into PATH or a folder with the version in its name.
        folders += FileTree.names(in: "/usr").filter { $0.hasPrefix("pgsql-") }.sorted(by: >).map { "/usr/\($0)/bin" }
        return folders + Executable.searchPath
    }
}

/// Programs in `PATH`.
enum Executable {
    /// The folders of `PATH`, and those where administrators' programs are.
    static var searchPath: [String] {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
    }

    /// Absolute path of a program; nil when there is none.
    static func find(_ name: String) -> String? {
        searchPath.map { "\($0)/\(name)" }.first { unsafe access($0, X_OK) == 0 }
    }
}
