//! Reading an uploaded form (RFC 7578), as strictly as a provider does.

/// The fields of a form, by name.
pub(super) fn fields<'b>(content_type: &str, body: &'b str) -> Option<Vec<(&'b str, &'b str)>> {
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=")?;
    let (opening, parting, closing) =
        (format!("--{boundary}\r\n"), format!("\r\n--{boundary}\r\n"), format!("\r\n--{boundary}--\r\n"));
    let inner = body.strip_prefix(&opening)?.strip_suffix(&closing)?;
    inner.split(parting.as_str()).map(field).collect()
}

fn field(part: &str) -> Option<(&str, &str)> {
    let (head, content) = part.split_once("\r\n\r\n")?;
    let name = head.strip_prefix("Content-Disposition: form-data; name=\"")?.split('"').next()?;
    Some((name, content))
}
