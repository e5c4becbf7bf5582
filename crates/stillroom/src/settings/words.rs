//! The words that stand for choices.

use domain::credential::is_anthropics;
use domain::provider::Provider;
use domain::settings::{ClientCredentials, GlobalFallback};

const FALLBACKS: [(&str, GlobalFallback); 4] = [
    ("off", GlobalFallback::Off),
    ("lineage", GlobalFallback::Lineage),
    ("same-project", GlobalFallback::SameProject),
    ("any", GlobalFallback::Any),
];

/// The provider of that name.
pub(crate) fn provider(name: &str) -> Option<Provider> {
    Provider::ALL.into_iter().find(|provider| provider.as_str() == name.trim())
}

/// The provider whose keys have this shape; none for a shape that nobody is known for.
pub(crate) fn provider_of_key(key: &str) -> Option<Provider> {
    match key {
        key if is_anthropics(key) => Some(Provider::Anthropic),
        key if key.starts_with("sk-") => Some(Provider::OpenAi),
        _ => None,
    }
}

/// The choice of that name.
pub(crate) fn fallback(name: &str) -> Option<GlobalFallback> {
    FALLBACKS.iter().find(|(known, _)| *known == name.trim()).map(|(_, fallback)| *fallback)
}

/// The name of that choice.
pub(crate) fn fallback_name(fallback: GlobalFallback) -> &'static str {
    FALLBACKS.iter().find(|(_, known)| *known == fallback).map_or("", |(name, _)| name)
}

/// The kinds of credential that are named; none when a name is no kind.
pub(crate) fn kinds(names: &[String]) -> Option<ClientCredentials> {
    let mut kinds = ClientCredentials { api_key: false, bearer: false };
    for name in names {
        match name.trim() {
            "api-key" => kinds.api_key = true,
            "bearer" => kinds.bearer = true,
            _ => return None,
        }
    }
    Some(kinds)
}

/// The names of those kinds.
pub(crate) fn kind_names(kinds: ClientCredentials) -> Vec<&'static str> {
    [("api-key", kinds.api_key), ("bearer", kinds.bearer)]
        .into_iter()
        .filter_map(|(name, used)| used.then_some(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_provider_by_its_shape() {
        assert_eq!(provider_of_key("sk-ant-api03-x"), Some(Provider::Anthropic));
        assert_eq!(provider_of_key("sk-proj-x"), Some(Provider::OpenAi));
        assert_eq!(provider_of_key("AIza-x"), None);
    }

    #[test]
    fn every_choice_is_written_as_it_is_read() {
        for (name, choice) in FALLBACKS {
            assert_eq!((fallback(name), fallback_name(choice)), (Some(choice), name));
        }
        for names in [vec![], vec!["api-key"], vec!["bearer"], vec!["api-key", "bearer"]] {
            let owned: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(kind_names(kinds(&owned).unwrap()), names);
        }
        assert_eq!(kinds(&["password".to_owned()]), None);
    }
}
