package import WebAPI

/// Answers that are pages.
package enum PageAnswer {
    /// Nothing from elsewhere, no script and no style in the markup, in nobody's frame.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    /// A page.
    package static func html(_ markup: HTML, status: Int = 200) -> HTTPResponse {
        var response = HTTPResponse(status: status, contentType: "text/html; charset=utf-8", body: markup.text.utf8)
        response.headers = [
            "Content-Security-Policy": policy, "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
        ]
        return response
    }

    /// Sends the browser elsewhere.
    package static func goTo(_ path: String, cookie: String? = nil) -> HTTPResponse {
        var response = html("<!doctype html><title>Millrace</title><a href=\"\(path)\">Go on</a>", status: 303)
        response.headers["Location"] = path
        if let cookie { response.headers["Set-Cookie"] = cookie }
        return response
    }

    /// Where somebody goes after something was done.
    package static func goTo(_ view: PageView, of topology: String, said: String) -> HTTPResponse {
        goTo(Address.view(view, of: topology, [("done", said)]))
    }

    /// Says why there is no page.
    package static func failure(_ status: Int, _ title: String, _ text: String) -> HTTPResponse {
        html(
            Layout.bare(
                title: title,
                "<h1>\(title)</h1><p>\(text)</p><p><a href=\"/\">To the overview</a></p>"), status: status)
    }

    static func signIn(isWrong: Bool = false) -> HTTPResponse {
        let complaint: HTML =
            isWrong ? "<p class=\"said bad\" role=\"alert\">That is neither of the tokens of this process.</p>" : ""
        let markup = Layout.bare(
            title: "Sign in",
            """
            <h1>Millrace</h1>\(complaint)
            <form method="post" action="/sign-in" class="sign-in">
            <label for="token">Token</label>
            <input id="token" name="token" type="password" autocomplete="current-password" autofocus required>
            <button>Sign in</button>
            <p class="note">It stands in the file that <code>millrace serve</code> named when it started:
            <code>~/.local/state/millrace/token</code> unless <code>--token-file</code> says otherwise. The token of
            <code>--read-token-file</code> shows everything and changes nothing.</p>
            </form>
            """)
        return html(markup, status: isWrong ? 401 : 200)
    }
}

/// What the page loads beside its markup.
package enum PageAssets {
    /// Name, type and content of each.
    package static let all: [(name: String, type: String, content: [UInt8])] = [
        ("page.css", "text/css; charset=utf-8", PackageResources.page_css),
        ("page.js", "text/javascript; charset=utf-8", PackageResources.page_js),
        ("icon.svg", "image/svg+xml", PackageResources.icon_svg),
    ]

    /// Changes with their content: what a browser has kept of another version is not taken for this one.
    static let mark: String = {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in all.flatMap(\.content) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 36)
    }()

    static func answer(_ name: String) throws(HTTPResponse) -> HTTPResponse {
        guard let found = all.first(where: { $0.name == name }) else {
            throw .error(404, "unknown-path", "the page has no such file")
        }
        var response = HTTPResponse(contentType: found.type, body: found.content)
        response.headers["Cache-Control"] = "private, max-age=86400"
        return response
    }
}
